"""What a subscriber's path carries: from feedback to an estimate, and tries upward. Pure: no clocks."""

from meetings.relay.path.estimate import PathEstimate
from meetings.relay.path.probing import Probe, Prober
from meetings.relay.path.receiver import ReceiverBudget

__all__ = ["PathEstimate", "Probe", "Prober", "ReceiverBudget"]
