"""Outages, for both planes: which errors pass by themselves (`errors`), and what the stream says while it waits
(`stream_waits`)."""
