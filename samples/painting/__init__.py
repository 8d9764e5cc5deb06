"""The parts of the procedural portrait painter: parameters, drawing tools and one module per style."""
