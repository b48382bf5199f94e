"""What runs tinsom elsewhere: images, compose, Prometheus, Grafana. Not part of the wheel."""
