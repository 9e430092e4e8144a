"""2-D pictures: PNG, TIFF and JPEG."""
