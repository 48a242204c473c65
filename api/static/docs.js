// The page at /docs: the document to read and to try, with nothing from another host.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

const imageOf = (content) => {
  try {
    return JSON.parse(content).image_url;
  } catch {
    return null; // not JSON
  }
};

// The address in an answer waits for its image, so it can be shown at once.
const showImages = () => ({
  wrapComponents: {
    responseBody: (Body, { React }) => (props) => {
      const image = imageOf(props.content);
      const shown = image && React.createElement("img", { key: image, src: image, alt: "The image", className: "made" });
      return React.createElement(React.Fragment, null, React.createElement(Body, props), shown);
    },
  },
});

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  plugins: [showImages],
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  persistAuthorization: true,
  tryItOutEnabled: true,
  // else a badge comes from another host
  validatorUrl: null,
});
