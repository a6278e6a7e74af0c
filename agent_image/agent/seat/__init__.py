"""Other agent programs in the seat of our own: each is started, heard and ended by its adapter."""
