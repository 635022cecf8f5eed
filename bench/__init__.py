"""How fast the engines are, against the plain simulation that an analyst would write first."""
