"""What everything stands on: requests and results, errors, settings, devices, statistics, images, addresses, export.

What belongs here is used by several rooms and knows no model, no data set and no experiment."""
