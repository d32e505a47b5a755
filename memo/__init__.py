"""memo: a personal memory that stays true as life changes."""
