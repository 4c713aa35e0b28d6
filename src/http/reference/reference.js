/** Runs in the browser. Renders openapi.json with Swagger UI, which sets the global `SwaggerUIBundle`. */

const dark = matchMedia('(prefers-color-scheme: dark)')
const applyColorScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', applyColorScheme)
applyColorScheme()

SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  showCommonExtensions: true,
  syntaxHighlight: { theme: 'monokai' },
  tryItOutEnabled: true,
  validatorUrl: 'none',
  plugins: [
    ({ React }) => ({
      wrapComponents: {
        // There is one server, the gateway itself.
        ServersContainer: () => () => null,
        // The fields of parameters and the editor of bodies have no labels of their own.
        JsonSchema_string: (Original) => (props) =>
          React.createElement(
            'label',
            null,
            React.createElement('span', { className: 'hidden-label' }, props.description),
            React.createElement(Original, props),
          ),
        TextArea: (Original) => (props) => React.createElement(Original, { 'aria-label': 'Request body', ...props }),
      },
    }),
  ],
})
