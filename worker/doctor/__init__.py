"""`make doctor`: is everything there that the service needs, and if not, how is it mended?"""
