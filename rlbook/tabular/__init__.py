"""Part I: values in a table, one number for each state or each pair of state and action."""
