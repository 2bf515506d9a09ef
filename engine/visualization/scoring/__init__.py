"""Is a picture any good? Its activation against controls that show nothing, and against the images of a data set."""
