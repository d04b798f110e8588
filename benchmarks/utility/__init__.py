"""How much of a product team's daily numbers stays visible under each rule, by the size of the Customer."""
