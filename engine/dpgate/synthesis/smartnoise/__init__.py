"""SmartNoise's MST and AIM (smartnoise-synth 1.0.8): with the noise replaced, and as shipped."""
