"""The arguments of every command, in groups. Imports neither torch nor the experiments, so that help comes at once."""
