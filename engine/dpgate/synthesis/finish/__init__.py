"""From learned columns to released rows: rules kept true, columns derived, identifiers made up."""
