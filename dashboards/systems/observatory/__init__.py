"""The platform as a whole: where one starts, all regions, error budgets."""
