# Included by the Makefile.
.PHONY: images deploy-smoke

images: ## Build the service images, and print their sizes
	deploy/engine.sh build

deploy-smoke: images $(VENV)/embedded ## Run the whole loop through the containers, then remove them
	$(BIN)/python deploy/smoke.py
