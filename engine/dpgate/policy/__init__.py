"""What a policy says of a release: rules, budget scopes, approvals. No data, no I/O."""
