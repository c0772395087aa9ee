"""What `kpisync init` proposes: a starter configuration, and what an export shows of itself, with its evidence."""
