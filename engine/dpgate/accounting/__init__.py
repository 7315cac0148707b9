"""What events cost: exact curves, the gate's filter, composition and calibration."""
