"""The structs of the API, by what they speak of."""
