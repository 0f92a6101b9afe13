"""What may go wrong while a model is taught."""


class TrainingError(Exception):
    """A model cannot be trained; the text is a sentence with a cure, fit to be shown as it is."""
