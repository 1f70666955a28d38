/**
 * What several connectors of this plugin share: the field language of sources (pointers, types, maps, rules), back-off and
 * Retry-After, redaction of secrets, limits of answers, validation of whole configurations, records as JSON for sinks.
 */
package carbon.connect.common;
