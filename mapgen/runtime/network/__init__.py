"""HTTP as all that is delivered or asked goes out by: rate limit, deadlines, breaker, retries."""
