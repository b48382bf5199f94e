"""What happened to a story: copies joined, facts changed, deadlines near, bursts and silences."""
