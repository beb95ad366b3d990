"""What the compiler and the runtime agree on: the plan of a flow, and the kinds that it names."""
