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

// Else the fields of a form would stay when JSON is chosen, and be sent as it.
const startAfresh = () => ({
  statePlugins: {
    oas3: {
      wrapActions: {
        setRequestContentType: (choose, { oas3Actions }) => (chosen) => {
          const done = choose(chosen);
          oas3Actions.setRequestBodyValue({ value: undefined, pathMethod: chosen.pathMethod });
          return done;
        },
      },
    },
  },
});

// Else each field of a form would begin with an invented value, and all of them would be sent.
const withEmptyForms = (told) => {
  for (const [name, { properties }] of Object.entries(told.components.schemas)) {
    for (const field of name.endsWith("Form") ? Object.values(properties) : []) {
      const file = field.format === "binary" || field.type === "array";
      if (!file && field.default === undefined) field.example = field.type === "object" ? {} : "";
    }
  }
  return told;
};

const show = (told) =>
  SwaggerUIBundle({
    spec: withEmptyForms(told),
    dom_id: "#ui",
    plugins: [showImages, startAfresh],
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: "list",
    persistAuthorization: true,
    tryItOutEnabled: true,
    // else a badge comes from another host
    validatorUrl: null,
  });

fetch("openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("ui").textContent = `The document can't be read: ${error.message}`;
  });
