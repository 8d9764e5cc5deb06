"""The commands of `blendreel`, a module for each kind: imported when one of its commands is called."""
