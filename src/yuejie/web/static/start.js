"use strict";

// The page of /api/docs: Swagger UI on our own description, with nothing asked of other hosts.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
});
