"""The formats that say themselves what stands where: OFX, CAMT.053, MT940, BAI2. Each is one pure function from text to statements."""
