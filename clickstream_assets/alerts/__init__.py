"""Alerts: what is wrong now (`facts`), which of it is news (`state`), and the way to the webhook (`webhook`).

The way in is the sensor, `sensors.alerts`.
"""
