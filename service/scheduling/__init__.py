"""Admission control: the order and the limits of the CPU work of requests."""
