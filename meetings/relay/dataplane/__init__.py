"""Data planes: who owns the UDP socket and the SRTP sessions, behind `interface.DataPlane`."""
