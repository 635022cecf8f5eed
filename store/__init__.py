"""What is kept in a database: the scenario library and the rooms of classes. It knows no screen."""
