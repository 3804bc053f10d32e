"""Second opinions on answers that contradict a version: asked for, waited for, or given up."""
