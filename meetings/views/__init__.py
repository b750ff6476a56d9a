"""HTTP edges of meetings: parse, authorise, call one service, render."""
