//! Reports, looked up in the thread's last snapshot. Each function returns 1 where there is one.

use std::os::raw::c_int;

use super::Plane;
use crate::media::{SubscriptionId, TransportId};

/// Times are µs, and 0 for never.
#[repr(C)]
pub struct StreamReportRecord {
    packets: u64,
    octets: u64,
    media_at: u64,
    lost: i64,
    keyframes: u64,
    level_at: u64,
    nacks_sent: u64,
    repaired: u64,
    clock_ntp: u64,
    /// 0: no sender report has come.
    clock_at: u64,
    fraction_lost: f64,
    jitter: f64,
    clock_rtp_timestamp: u32,
    level: u8,
    audible: u8,
}

#[repr(C)]
pub struct SubscriptionReportRecord {
    packets: u64,
    octets: u64,
    switches: u64,
    nacked: u64,
    retransmitted: u64,
    current_ssrc: u32,
    is_forwarding: u8,
    waiting_keyframe: u8,
}

#[repr(C)]
pub struct TransportReportRecord {
    sent_packets: u64,
    sent_octets: u64,
    received_packets: u64,
    received_octets: u64,
    send_dropped: u64,
}

#[no_mangle]
pub extern "C" fn plane_stream_report(
    plane: &Plane,
    transport: u32,
    ssrc: u32,
    out: &mut StreamReportRecord,
) -> c_int {
    let reports = plane.link.streams();
    let report = match reports.get(&(TransportId(transport), ssrc)) {
        Some(report) => report,
        None => return 0,
    };
    let clock = report.sender_clock;
    *out = StreamReportRecord {
        packets: report.packets,
        octets: report.octets,
        media_at: report.media_at.unwrap_or(0),
        lost: report.lost,
        keyframes: report.keyframes,
        level_at: report.level_at.unwrap_or(0),
        nacks_sent: report.nacks_sent,
        repaired: report.repaired,
        clock_ntp: clock.map_or(0, |clock| clock.ntp),
        clock_at: clock.map_or(0, |clock| clock.at),
        fraction_lost: report.fraction_lost,
        jitter: report.jitter,
        clock_rtp_timestamp: clock.map_or(0, |clock| clock.rtp_timestamp),
        level: report.level,
        audible: report.audible.into(),
    };
    1
}

#[no_mangle]
pub extern "C" fn plane_subscription_report(
    plane: &Plane,
    number: u32,
    out: &mut SubscriptionReportRecord,
) -> c_int {
    let reports = plane.link.peers();
    let report = match reports.subscriptions.get(&SubscriptionId(number)) {
        Some(report) => report,
        None => return 0,
    };
    *out = SubscriptionReportRecord {
        packets: report.packets,
        octets: report.octets,
        switches: report.switches,
        nacked: report.nacked,
        retransmitted: report.retransmitted,
        current_ssrc: report.current_ssrc.unwrap_or(0),
        is_forwarding: report.current_ssrc.is_some().into(),
        waiting_keyframe: report.waiting_keyframe.into(),
    };
    1
}

#[no_mangle]
pub extern "C" fn plane_transport_report(
    plane: &Plane,
    transport: u32,
    out: &mut TransportReportRecord,
) -> c_int {
    let reports = plane.link.peers();
    let (report, send_dropped) = match reports.transports.get(&TransportId(transport)) {
        Some(report) => report,
        None => return 0,
    };
    *out = TransportReportRecord {
        sent_packets: report.sent_packets,
        sent_octets: report.sent_octets,
        received_packets: report.received_packets,
        received_octets: report.received_octets,
        send_dropped: *send_dropped,
    };
    1
}
