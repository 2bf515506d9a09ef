"""What everything stands on: requests and results, errors, settings, devices, statistics, images, addresses."""
