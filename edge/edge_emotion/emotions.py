"""The seven emotions, in the one order used everywhere."""

EMOTIONS: tuple[str, ...] = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
