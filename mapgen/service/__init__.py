"""What makes flows run by themselves: schedules, arrivals, and the door that others knock at."""
