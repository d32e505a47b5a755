"""What keeps a store safe and sound: its backups, another file in its place, and the doctor."""
