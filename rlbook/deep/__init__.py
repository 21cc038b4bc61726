"""Part II: policies and values that are PyTorch networks, learned in Gymnasium's vectorised environments."""
