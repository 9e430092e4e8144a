"""A model observer looks for lesions in the sources and in what was made of them."""
