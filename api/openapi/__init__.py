"""What the service takes and answers, as OpenAPI: made from the models that the code itself uses."""
