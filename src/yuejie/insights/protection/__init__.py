"""What happens by itself when usage runs away: throttle, pause, or ask; all of it reversible."""
