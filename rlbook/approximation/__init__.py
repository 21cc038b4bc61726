"""Values as linear functions of features: where a table would need too many numbers."""
