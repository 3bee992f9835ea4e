// Shows the document of this very service. Nothing is kept: a token that is typed here is gone with the page.
window.SwaggerUIBundle({
  dom_id: "#page",
  url: "openapi.json",
  // Else a badge would have a host of the authors of the viewer look at the document.
  validatorUrl: null,
  queryConfigEnabled: false,
  persistAuthorization: false,
  withCredentials: false,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
});
