//! Which voices of a group are forwarded: the loudest, without cutting anybody's first word.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use super::settings::TrackId;

/// A quiet room lies below -60 dBov, speech into a headset around -20 to -35.
const SPEECH: u8 = 50;
/// A stop between two syllables is shorter (µs).
const PAUSE: u64 = 200_000;
/// A sentence later the place is given up (µs).
const LEFT: u64 = 2_000_000;
/// Whoever is this much louder, for this long (µs), may interrupt.
const LOUDER: f32 = 6.0;
const LOUDER_FOR: u64 = 300_000;
/// Of 50 packets/s: about 0.2 s.
const SMOOTHING: f32 = 0.1;

/// -dBov (RFC 6464: 0 loudest, 127 silent), and the sender's own word on whether it is speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub level: u8,
    pub voice: bool,
}

impl Level {
    pub const SILENCE: u8 = 127;

    /// From the value of the header extension.
    pub fn parse(value: &[u8]) -> Option<Level> {
        let first = value.first()?;
        Some(Level { level: first & 0x7F, voice: first & 0x80 != 0 })
    }
}

struct Voice {
    holds: bool,
    /// Smoothed, as -dBov.
    level: f32,
    spoke_at: Option<u64>,
    louder_since: Option<u64>,
}

impl Voice {
    fn silence(&self, now: u64) -> u64 {
        self.spoke_at.map_or(u64::MAX, |at| now.saturating_sub(at))
    }

    fn hear(&mut self, level: Level, now: u64) -> bool {
        let speaks = level.level < SPEECH || level.voice;
        if !speaks {
            return false;
        }
        let heard = f32::from(level.level);
        if self.silence(now) > PAUSE {
            self.level = heard;
            self.louder_since = None;
        }
        self.level += (heard - self.level) * SMOOTHING;
        self.spoke_at = Some(now);
        true
    }
}

#[derive(Default)]
struct Group {
    voices: HashMap<TrackId, Voice>,
    holders: Vec<TrackId>,
}

pub(super) struct Speakers {
    most: usize,
    groups: HashMap<u32, Group>,
}

impl Speakers {
    pub fn new(most: usize) -> Self {
        Speakers { most: most.max(1), groups: HashMap::new() }
    }

    pub fn join(&mut self, group: u32, track: TrackId) {
        let voice =
            Voice { holds: false, level: f32::from(Level::SILENCE), spoke_at: None, louder_since: None };
        self.groups.entry(group).or_default().voices.entry(track).or_insert(voice);
    }

    pub fn leave(&mut self, number: u32, track: TrackId) {
        if let Some(group) = self.groups.get_mut(&number) {
            group.take(track);
            group.voices.remove(&track);
            if group.voices.is_empty() {
                self.groups.remove(&number);
            }
        }
    }

    /// They muted: the place is free at once.
    pub fn silence(&mut self, group: u32, track: TrackId) {
        if let Some(voice) = self.groups.get_mut(&group).and_then(|group| group.voices.get_mut(&track)) {
            voice.spoke_at = None;
        }
    }

    /// Whether a packet of this level is to be forwarded. One without a level always is, as are microphones
    /// that never offered to tell: nothing is known that would justify to cut them.
    pub fn hear(&mut self, group: u32, track: TrackId, level: Option<Level>, now: u64) -> bool {
        let most = self.most;
        let group = match self.groups.get_mut(&group) {
            Some(group) => group,
            None => return true,
        };
        let (voice, level) = match (group.voices.get_mut(&track), level) {
            (Some(voice), Some(level)) => (voice, level),
            _ => return true,
        };
        let speaks = voice.hear(level, now);
        match voice.holds {
            true if voice.silence(now) > LEFT => group.take(track),
            false if speaks => group.contend(track, most, now),
            _ => {}
        }
        group.voices.len() <= most || group.voices[&track].holds
    }
}

impl Group {
    fn give(&mut self, track: TrackId) {
        if let Some(voice) = self.voices.get_mut(&track).filter(|voice| !voice.holds) {
            voice.holds = true;
            voice.louder_since = None;
            self.holders.push(track);
        }
    }

    fn take(&mut self, track: TrackId) {
        if let Some(voice) = self.voices.get_mut(&track) {
            voice.holds = false;
        }
        self.holders.retain(|holder| *holder != track);
    }

    /// Someone without a place speaks.
    fn contend(&mut self, track: TrackId, most: usize, now: u64) {
        if self.holders.len() >= most {
            let loser = match self.most_silent(now).or_else(|| self.outshouted(track, now)) {
                Some(loser) => loser,
                None => return,
            };
            self.take(loser);
        }
        self.give(track);
    }

    /// The holder silent for longest, where that is longer than a pause.
    fn most_silent(&self, now: u64) -> Option<TrackId> {
        let silent = self.holders.iter().map(|holder| (self.voices[holder].silence(now), *holder)).max()?;
        (silent.0 > PAUSE).then_some(silent.1)
    }

    /// All holders speak: the quietest, once `track` has been louder than it for long enough.
    fn outshouted(&mut self, track: TrackId, now: u64) -> Option<TrackId> {
        let level = |holder: &TrackId| self.voices[holder].level;
        let quietest = *self.holders.iter().max_by(|a, b| level(a).total_cmp(&level(b)))?;
        let bound = self.voices[&quietest].level - LOUDER;
        let voice = self.voices.get_mut(&track)?;
        if voice.level > bound {
            voice.louder_since = None;
            return None;
        }
        let since = *voice.louder_since.get_or_insert(now);
        (now - since >= LOUDER_FOR).then_some(quietest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;

    const MS: u64 = 1_000;
    const QUIET: Option<Level> = Some(Level { level: 80, voice: false });

    fn spoken(level: u8) -> Option<Level> {
        Some(Level { level, voice: false })
    }

    fn group(most: usize, size: u32) -> Speakers {
        let mut speakers = Speakers::new(most);
        for track in 0..size {
            speakers.join(1, TrackId(track));
        }
        speakers
    }

    /// Everybody sends a packet every 20 ms from `from` to `to`; who was forwarded at the end.
    fn talk(speakers: &mut Speakers, levels: &[Option<Level>], from: u64, to: u64) -> Vec<u32> {
        let mut forwarded = vec![];
        for now in (from..to).step_by(20 * MS as usize) {
            forwarded.clear();
            for (track, level) in levels.iter().enumerate() {
                if speakers.hear(1, TrackId(track as u32), *level, now) {
                    forwarded.push(track as u32);
                }
            }
        }
        forwarded
    }

    #[test]
    fn a_small_group_is_forwarded_whole() {
        let mut speakers = group(3, 3);
        assert_eq!(talk(&mut speakers, &[QUIET; 3], 0, 5_000 * MS), vec![0, 1, 2]);
    }

    #[test]
    fn the_first_packet_of_a_word_takes_the_place_of_one_who_is_silent() {
        let mut speakers = group(2, 4);
        assert_eq!(talk(&mut speakers, &[spoken(30), QUIET, QUIET, QUIET], 0, 1_000 * MS), vec![0]);
        assert!(speakers.hear(1, TrackId(3), spoken(35), 1_000 * MS));
        assert!(!speakers.hear(1, TrackId(1), QUIET, 1_000 * MS));
        assert!(speakers.hear(1, TrackId(0), spoken(30), 1_000 * MS));
    }

    #[test]
    fn the_senders_own_word_counts_as_speech() {
        let mut speakers = group(1, 2);
        assert!(speakers.hear(1, TrackId(1), Some(Level { level: 70, voice: true }), 0));
    }

    #[test]
    fn a_packet_without_a_level_is_forwarded_and_changes_nothing() {
        let mut speakers = group(1, 2);
        speakers.hear(1, TrackId(0), spoken(30), 0);
        assert!(speakers.hear(1, TrackId(1), None, 0));
        assert!(speakers.hear(1, TrackId(0), spoken(30), 0), "the place was not taken");
    }

    #[test]
    fn minus_fifty_is_not_loud() {
        let mut speakers = group(1, 2);
        assert!(!speakers.hear(1, TrackId(0), spoken(50), 0));
        assert!(speakers.hear(1, TrackId(0), spoken(49), 0));
    }

    #[test]
    fn nobody_is_cut_off_in_a_pause_between_syllables() {
        let mut speakers = group(1, 2);
        speakers.hear(1, TrackId(0), spoken(30), 1_000 * MS);
        assert!(!speakers.hear(1, TrackId(1), spoken(30), 1_200 * MS));
        assert!(speakers.hear(1, TrackId(0), QUIET, 1_200 * MS));
        assert!(speakers.hear(1, TrackId(1), spoken(30), 1_201 * MS));
    }

    #[test]
    fn who_is_much_louder_interrupts_the_quietest_after_a_while() {
        let mut speakers = group(2, 3);
        let calm = [spoken(30), spoken(38), QUIET];
        assert_eq!(talk(&mut speakers, &calm, 0, 1_000 * MS), vec![0, 1]);
        let loud = [spoken(30), spoken(38), spoken(20)];
        assert_eq!(talk(&mut speakers, &loud, 1_000 * MS, 1_280 * MS), vec![0, 1]);
        assert_eq!(talk(&mut speakers, &loud, 1_280 * MS, 1_400 * MS), vec![0, 2]);
    }

    #[test]
    fn who_is_but_a_little_louder_does_not() {
        let mut speakers = group(2, 3);
        let levels = [spoken(30), spoken(34), spoken(29)];
        talk(&mut speakers, &[spoken(30), spoken(34), QUIET], 0, 100 * MS);
        assert_eq!(talk(&mut speakers, &levels, 100 * MS, 5_000 * MS), vec![0, 1]);
    }

    #[test]
    fn a_place_is_given_up_after_two_seconds_of_silence() {
        let mut speakers = group(1, 2);
        talk(&mut speakers, &[spoken(30), QUIET], 0, 100 * MS);
        assert_eq!(talk(&mut speakers, &[QUIET, QUIET], 100 * MS, 2_080 * MS), vec![0]);
        assert_eq!(talk(&mut speakers, &[QUIET, QUIET], 2_100 * MS, 2_200 * MS), Vec::<u32>::new());
    }

    #[test]
    fn the_place_of_one_who_left_or_muted_is_free() {
        let mut speakers = group(1, 3);
        talk(&mut speakers, &[spoken(30), QUIET, QUIET], 0, 100 * MS);
        speakers.silence(1, TrackId(0));
        assert!(speakers.hear(1, TrackId(1), spoken(40), 100 * MS));
        speakers.leave(1, TrackId(1));
        assert!(speakers.hear(1, TrackId(2), spoken(45), 101 * MS));
    }

    #[test]
    fn an_empty_group_leaves_nothing_behind() {
        let mut speakers = group(2, 4);
        (0..4).for_each(|track| speakers.leave(1, TrackId(track)));
        assert!(speakers.groups.is_empty());
        assert!(speakers.hear(1, TrackId(0), QUIET, 0), "no group, no choice");
    }

    #[test]
    fn never_more_than_the_bound_whatever_they_do() {
        let mut random = Random::new(9);
        let mut speakers = group(3, 10);
        for step in 0..100_000u64 {
            let track = TrackId(random.below(12) as u32);
            match random.below(100) {
                0 => speakers.leave(1, track),
                1 => speakers.join(1, track),
                2 => speakers.silence(1, track),
                _ => {
                    let level = Level { level: random.below(128) as u8, voice: random.below(9) == 0 };
                    speakers.hear(1, track, Some(level), step * 2 * MS);
                }
            }
            if let Some(group) = speakers.groups.get(&1) {
                let holding = group.voices.values().filter(|voice| voice.holds).count();
                assert!(holding <= 3 && holding == group.holders.len());
            }
        }
    }
}
