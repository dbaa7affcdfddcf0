/** Checks JSON Web Tokens for `authorize`. Loads jose, which no other entry point but `tickets` does. */
export {}
