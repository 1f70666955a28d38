/** Transforms of single records. */
package carbon.connect.transforms;
